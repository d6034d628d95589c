"""All reports of a study, and its page."""

import html
import json
import re
import shutil
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from qpm.images import write_frame
from qpm.report import captions
from qpm.report.origin import facts
from qpm.report.page import write_page
from qpm.report.publish import Section, together
from qpm.report.render import REPORTS, context, make, render
from qpm.report.write import Table
from tests.report.clips import write_study_with_clips
from tests.report.conftest import make_study, record, write_study


@pytest.fixture(scope="module")
def rendered(rows, tmp_path_factory):
    study = make_study()
    study.report = ("ablation", "policies", "qualitative")
    return make(write_study(tmp_path_factory.mktemp("results") / "fabricated", rows), study)


def test_every_report_that_can_be_made_is_and_the_page_says_why_another_is_not(rendered):
    assert [section.name for section in rendered.sections] == ["ablation", "policies"]
    assert "no masks of case 'qpm'" in rendered.missing["qualitative"]
    assert "save_masks" in rendered.page.read_text()


def test_the_files_are_named_and_exist(rendered):
    names = {path.name for path in rendered.files}
    assert {
        "table2.md",
        "table2.tex",
        "table2.csv",
        "policies.png",
        "policies.pdf",
        "policies.txt",
        "provenance.json",
        "index.html",
    } <= names
    assert all(path.is_file() for path in rendered.files)
    assert [table.name for table in rendered.tables] == ["table2", "policies"]


def test_rendering_again_changes_no_byte(rendered, study):
    study.report = ("ablation", "policies", "qualitative")
    before = {path: path.read_bytes() for path in rendered.files}
    assert {path: path.read_bytes() for path in render(rendered.page.parent, study)} == before


def test_an_unknown_report_is_refused_before_anything_is_made(study_dir, study):
    study.report = ("ablation", "calibraton")
    with pytest.raises(ValueError, match="unknown report 'calibraton'; did you mean 'calibration'"):
        render(study_dir, study)
    assert not (study_dir / "table2.md").exists()


def test_the_shown_case_is_qpm_where_it_was_run(results, study):
    assert context(results, study).case == "qpm"
    study.baseline = None
    assert context(results, study).baseline == "stm"


def test_a_grid_without_named_cases_has_a_case_to_show(results, study):
    swept = type(results)(results.folder, results.rows.assign(case="sigma_m=0.7"), ())
    study.baseline = "sigma_m=0.7"
    assert context(swept, study).case == "sigma_m=0.7"


def test_the_registry_names_the_reports_of_the_design():
    assert {"ablation", "leaderboard", "thresholds", "calibration", "qualitative", "timeline"} <= set(REPORTS)


class Page(HTMLParser):
    """Collects what a browser would fetch, pictures without words, and headings."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.requests: list[str] = []
        self.without_words = 0
        self.ids: set[str] = set()
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.ids |= {values["id"]} if "id" in values else set()
        if tag in ("img", "script", "link", "iframe"):
            address = values.get("src") or values.get("href") or "data:"
            self.requests += [] if address.startswith("data:") else [address]
        self.without_words += tag == "img" and "src" in values and not values.get("alt")
        if tag == "a" and values["href"].startswith("#"):
            self.anchors.add(values["href"][1:])


def test_the_page_asks_for_nothing_and_describes_its_pictures(rendered):
    text = rendered.page.read_text()
    page = Page(text)
    assert page.requests == [] and page.without_words == 0
    assert page.anchors <= page.ids
    assert not re.search(r"url\(|@import|https?://", text)


def test_the_page_escapes_the_studys_words_and_shows_provenance(rendered):
    text = rendered.page.read_text()
    assert "Does it help &amp; by how much?" in text
    assert "0123456789ab with uncommitted changes" in text and "half (SHA-256 cdcdcdcdcdcd)" in text
    assert "8.0 min over all trials" in text


def test_trials_that_share_a_run_explain_their_times(results):
    assert facts(results)["compute time"] == "8.0 min over all trials"
    results.trials[0]["shared"] = {"sweep": "../.shared/5cba", "trials": 8}
    assert facts(results)["compute time"].startswith("8.0 min over all trials; the time of a shared run stands with")


def test_the_marks_of_code_in_a_studys_words_are_not_printed(results, study):
    study.cost = "nothing (`qpm render`)"
    assert "<dd>nothing (qpm render)</dd>" in write_page(results, study, [], {}).read_text()


def test_a_study_that_a_server_fills_has_no_trials_to_tell_of(tmp_path, study):
    study.report = ("leaderboard",)
    text = make(tmp_path / "table1", study).page.read_text()
    assert "Leaderboard" in text and "Provenance" not in text and "trials" not in text


def test_the_provenance_is_there_for_a_program_too(rendered):
    written = json.loads(rendered.provenance.read_text())
    assert written["facts"]["weights"] == "half (SHA-256 cdcdcdcdcdcd)"
    assert len(written["trials"]) == 8 and written["shared"]["config"]["study"] == "fabricated"


def test_what_the_trials_share_and_what_each_has_of_its_own_is_the_whole_record(rendered):
    def joined(shared, own):
        both = {key: joined(shared[key], own[key]) for key in shared.keys() & own.keys()}
        return shared | own | both

    written = json.loads(rendered.provenance.read_text())
    whole = [joined(written["shared"], own) for own in written["trials"]]
    recorded = {(trial["config"]["case"], trial["config"]["seed"]): trial for trial in whole}
    for (case, seed), trial in recorded.items():
        assert trial == {key: value for key, value in record(case, seed).items() if key != "status"}
    assert len(recorded) == 8 and all("identity" not in own for own in written["trials"])


def test_a_report_of_several_parts_has_one_heading_and_one_below_it_for_each_part(results, study):
    parts = [Section(name, f"The {name}", ()) for name in ("first", "second")]
    written = write_page(results, study, [together("both", "Both of them", parts)], {}).read_text()
    headings = re.findall(r"<h([23]) id=.*?>(.*?)</h", written)
    assert headings[:3] == [("2", "Both of them"), ("3", "The first"), ("3", "The second")]
    assert [section.name for section in together("both", "", parts).all()] == ["both", "first", "second"]


def test_a_page_has_a_player_only_while_its_videos_are_at_hand(tmp_path, study):
    folder = write_study_with_clips(tmp_path / "fabricated")
    assert 'id="player"' in make(folder, study).page.read_text()
    shutil.rmtree(tmp_path / "clips")
    assert 'id="player"' not in make(folder, study).page.read_text()


def captioned(results, study, **sections) -> str:
    """The page of reports with a caption each; one with a figure has a picture of one pixel."""
    picture = results.folder / "dot.png"
    picture.parent.mkdir(parents=True, exist_ok=True)
    write_frame(picture, np.zeros((1, 1, 3), np.uint8))
    written = [Section(name, f"The {name}", (), table, picture, text) for name, (table, text) in sections.items()]
    return html.unescape(write_page(results, study, written, {}).read_text())


def test_data_and_network_stand_once_at_the_head_and_in_no_caption(results, study):
    data, network = captions.data(results), captions.network(results)
    text = captioned(results, study, one=(None, f"First. {data} {network}"), two=(None, f"Second. {data}"))
    assert text.count(data) == 1 and text.count(network) == 1
    assert f"<dt>Data</dt><dd>{data}</dd>" in text and text.index(data) < text.index("</header>")
    assert re.findall("<figcaption>(.*?)</figcaption>", text) == ["First.", "Second."]


def test_what_no_caption_says_of_data_is_not_said_at_the_head(results, study):
    text = captioned(results, study, one=(None, "Printed in the paper."))
    assert "<dt>Data</dt>" not in text and "<dt>Network</dt>" not in text


def test_a_caption_of_table_and_figure_stands_once_below_both(results, study):
    table = Table(pd.DataFrame({"A": ["1"]}), pd.DataFrame({"a": [1]}), "Both of them. In bins.", "both")
    text = captioned(results, study, both=(table, table.caption))
    assert text.count(table.caption) == 1 and text.index(table.caption) > text.index("<img src")
    text = captioned(results, study, both=(table, "The figure alone. In bins."))
    assert re.findall('<p class="caption">(.*?)</p>', text) == [table.caption]
    assert re.findall("<figcaption>(.*?)</figcaption>", text) == ["The figure alone."]


def test_a_picture_is_named_by_its_heading_and_does_not_read_out_its_caption(results, study):
    text = captioned(results, study, one=(None, "A long caption (Fig. 1). And more."))
    assert 'alt="Figure: The one"' in text and 'aria-label="Enlarge the figure: The one"' in text
    assert text.count("A long caption (Fig. 1). And more.") == 1
