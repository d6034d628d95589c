"""Memory format and compilation change how fast a training is, not what it computes nor what it writes."""

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from qpm.model import build, load_network
from qpm.training.clip_model import ClipModel
from qpm.training.loop import train


def test_a_compiled_training_runs_resumes_and_saves_under_the_plain_names(config, tmp_path, monkeypatch):
    called, compile_ = [], torch.compile

    def traced(graph, inputs):  # in place of generated code, which takes minutes
        def call(*arguments):
            called.append(graph)
            return graph.forward(*arguments)

        return call

    monkeypatch.setattr(torch, "compile", lambda call, **options: compile_(call, backend=traced, **options))

    def look(network):
        before = len(called)
        network.encode_query(torch.zeros(1, 3, 32, 48))  # a video's frames have other sizes than the clips
        assert len(called) == before
        return {"val_J_and_F": 0.5}

    def stop(done, total, measures):
        if done == 4:
            raise RuntimeError("power cut")

    plain = train(config(), tmp_path / "plain")
    check = {"dataset": {"name": "synthetic"}, "every": 2}
    chosen = config(compile=True, validation=check, picture_every=2)
    assert not called
    with pytest.raises(RuntimeError, match="power cut"):
        train(chosen, tmp_path / "compiled", stop, look)
    assert len(set(called)) >= 3  # both encoders and the decoder
    called.clear()
    weights = train(chosen, tmp_path / "compiled", validate=look)  # from the checkpoint of iteration 3
    assert len(set(called)) >= 3
    one, other = load_file(str(plain)), load_file(str(weights))
    assert one.keys() == other.keys() == build("tiny").state_dict().keys()
    assert all(torch.allclose(one[name], other[name], atol=1e-5) for name in one)
    assert load_network(weights).config == build("tiny").config


def test_channels_last_gives_the_same_losses(config, tmp_path, monkeypatch):
    formats, losses, forward = [], [], ClipModel.forward

    def spy(model, *arguments):
        formats.append(model.network.query_encoder.layer1[0].conv2.weight.stride())
        return forward(model, *arguments)

    monkeypatch.setattr(ClipModel, "forward", spy)
    for last in (False, True):
        folder = tmp_path / str(last)
        train(config({"iterations": 3}, channels_last=last, log_every=1), folder)
        losses.append(pd.read_parquet(folder / "metrics.parquet")["loss"].tolist())
    assert len(set(formats)) == 2
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
