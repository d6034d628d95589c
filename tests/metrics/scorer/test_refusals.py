"""What cannot be scored is refused at once, with every faulty file by name and no number."""

import json
import zipfile

import numpy as np
import pytest
from PIL import Image, ImageFilter

from qpm.metrics.scorer import Refusal, compare_folders, score_folder


@pytest.fixture
def folders(save, truth, prediction):
    """Truth and prediction of two sequences."""
    return save("gt", {"a": truth, "b": truth}), save("pred", {"a": prediction, "b": prediction})


def faults_of(gt, pred, protocol="davis2017", **settings):
    with pytest.raises(Refusal) as refusal:
        score_folder(gt, pred, protocol, **settings)
    return refusal.value.faults


def test_all_faulty_files_are_named_in_one_refusal(folders):
    gt, pred = folders
    (pred / "a" / "00003.png").unlink()
    (pred / "a" / "00004.png").write_bytes(b"no image")
    Image.new("L", (20, 10)).save(pred / "b" / "00005.png")
    Image.new("RGB", (160, 96)).save(pred / "b" / "00006.png")
    faults = faults_of(gt, pred)
    assert [fault.split("pred/")[1].split(" ")[0] for fault in faults] == [
        "a/00003.png",
        "a/00004.png",
        "b/00005.png",
        "b/00006.png",
    ]
    assert [
        name in fault for name, fault in zip(("missing", "readable", "20 x 10", "RGB"), faults, strict=True)
    ]


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[: len(content) // 2],
        lambda content: content[:-12],
        lambda content: content[:-30] + bytes([content[-30] ^ 1]) + content[-29:],
        lambda content: b"",
    ],
    ids=["half a file", "no end", "one bit", "empty"],
)
def test_a_damaged_png_is_refused_before_it_is_decoded(folders, damage):
    gt, pred = folders
    path = pred / "b" / "00007.png"
    path.write_bytes(damage(path.read_bytes()))
    (fault,) = faults_of(gt, pred)
    assert "pred/b/00007.png is no readable PNG" in fault


def test_smoothed_masks_are_refused_with_the_number_of_ids(folders):
    gt, pred = folders
    for frame in (2, 3):
        labels = np.asarray(Image.open(pred / "a" / f"{frame:05d}.png"))
        grey = Image.fromarray((labels > 0).astype(np.uint8) * 255)
        grey.filter(ImageFilter.GaussianBlur(4)).save(pred / "a" / f"{frame:05d}.png")
    faults = faults_of(gt, pred)
    assert len(faults) == 2
    assert "a/00002.png is no label map:" in faults[0] and "grey values, a picture or anti-aliased edges" in faults[0]


def test_smoothed_masks_with_a_palette_are_refused_too_and_many_small_objects_are_not(folders):
    gt, pred = folders
    labels = np.asarray(Image.open(pred / "a" / "00002.png"))
    smooth = Image.fromarray((labels > 0).astype(np.uint8) * 200).filter(ImageFilter.GaussianBlur(4))
    smooth.putpalette([value for k in range(256) for value in (k, k, k)])
    smooth.save(pred / "a" / "00002.png")
    many = np.zeros_like(labels)
    for k in range(40):
        row, column = divmod(k, 10)
        many[4 * row : 4 * row + 3, 4 * column : 4 * column + 3] = k + 1
    crowd = Image.fromarray(many)
    crowd.putpalette([value for k in range(256) for value in (k, k, k)])
    crowd.save(pred / "a" / "00003.png")
    (fault,) = faults_of(gt, pred)
    assert "a/00002.png is no label map:" in fault and "fill an area, as smoothing leaves them" in fault


def test_16_bit_masks_are_refused(folders):
    gt, pred = folders
    Image.fromarray(np.zeros((96, 160), np.uint16)).save(pred / "a" / "00002.png")
    assert "mode I;16 with 1 ids" in faults_of(gt, pred)[0]


def test_a_faulty_truth_is_named_too(folders):
    gt, pred = folders
    (gt / "b" / "00000.png").write_bytes(b"")
    assert "gt/b/00000.png is no readable PNG" in faults_of(gt, pred)[0]


def test_missing_sequences_are_named_unless_a_subset_is_asked_for(save, folders, truth, prediction):
    gt, pred = folders
    save("gt", {"c": truth})
    assert faults_of(gt, pred) == (
        f"{pred}: sequence 'c' is missing; to score only what is there, ask for the subset",
    )
    report = score_folder(gt, pred, "davis2017", subset=True)
    assert report.left_out == ("c",)
    assert report.to_json()["settings"]["subset"] is True
    assert report.to_json()["sequences"] == ["a", "b"]


def test_folders_without_a_common_sequence_are_refused_even_as_a_subset(save, folders, prediction):
    gt, _ = folders
    other = save("other", {"x": prediction})
    assert "share no sequence: x and a, b" in faults_of(gt, other, subset=True)[0]


def test_a_spare_sequence_is_a_warning(save, folders, prediction):
    gt, pred = folders
    save("pred", {"spare": prediction})
    assert score_folder(gt, pred, "davis2017").warnings == ("spare: predicted, but not in the truth",)


def test_paths_that_hold_no_masks_are_named(folders, tmp_path):
    gt, pred = folders
    (tmp_path / "empty").mkdir()
    assert faults_of(gt, tmp_path / "nowhere") == (f"{tmp_path / 'nowhere'} does not exist",)
    assert "holds no PNG; expected <sequence>/<frame>.png" in faults_of(gt, tmp_path / "empty")[0]
    assert "neither a folder nor a zip" in faults_of(gt, gt / "a" / "00000.png")[0]


@pytest.mark.parametrize(
    "name", ["../evil/00001.png", "/etc/00001.png", "a/../../00001.png", "C:/a/00001.png"]
)
def test_a_zip_that_points_outside_itself_is_refused(folders, tmp_path, name):
    gt, _ = folders
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr("a/00000.png", b"")
        archive.writestr(name, b"")
    assert faults_of(gt, tmp_path / "evil.zip") == (
        f"{tmp_path / 'evil.zip'}: '{name}' points outside the zip",
    )


def test_a_zip_that_holds_a_link_is_refused(folders, tmp_path):
    gt, _ = folders
    link = zipfile.ZipInfo("a/00001.png")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "link.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    assert "is a link" in faults_of(gt, tmp_path / "link.zip")[0]


def test_unknown_protocols_and_switches_are_answered(folders):
    gt, pred = folders
    with pytest.raises(ValueError, match="unknown protocol 'davis-2017'; did you mean 'davis2017'"):
        score_folder(gt, pred, "davis-2017")
    with pytest.raises(ValueError, match="davis2017 fixes which frames are left out"):
        score_folder(gt, pred, "davis2017", leave_out_last=False)


def test_youtube_vos_needs_its_meta_json(folders, tmp_path):
    gt, pred = folders
    assert "no meta.json at" in faults_of(gt, pred, "youtube-vos")[0]
    (gt / "meta.json").write_text("{")
    assert "is no readable JSON" in faults_of(gt, pred, "youtube-vos")[0]
    (gt / "meta.json").write_text(json.dumps({"a": {}}))
    assert "is no meta.json of YouTube-VOS" in faults_of(gt, pred, "youtube-vos")[0]


def test_a_faulty_file_is_named_from_a_worker_process_too(folders):
    gt, pred = folders
    noise = np.random.default_rng(0).integers(0, 256, (96, 160)).astype(np.uint8)
    Image.fromarray(noise).save(pred / "b" / "00002.png")
    assert "b/00002.png is no label map: 256 grey values" in faults_of(gt, pred, jobs=2)[0]


def test_folders_to_compare_must_hold_the_same_sequences(save, folders, prediction):
    gt, pred = folders
    other = save("other", {"a": prediction})
    with pytest.raises(Refusal, match=r"pred: sequence 'b' is not in every folder"):
        compare_folders(gt, [other, pred], "davis2017", subset=True)
    with pytest.raises(ValueError, match="needs two folders"):
        compare_folders(gt, [pred], "davis2017")
