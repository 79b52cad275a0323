"""`benchmarks/serving_load.py`: what counts as answered and as failed, and what is started."""

from __future__ import annotations

import asyncio
import itertools
from types import SimpleNamespace

import pytest

from keras_attn.serving.batching import Batching

aiohttp = pytest.importorskip("aiohttp", reason="aiohttp is not installed")
pytest.importorskip("psutil", reason="psutil is not installed")


@pytest.fixture
def asked(script):
    """Load a server that answers in capitals, but for "bad", an error, and "odd", another answer each time."""
    from aiohttp import web

    module, number = script("serving_load"), itertools.count()

    async def answer(request):
        (sentence,) = (await request.json())["instances"]
        if sentence == "bad":
            return web.json_response({"error": "no"}, status=500)
        text = f"{sentence.upper()}{next(number) if sentence == 'odd' else ''}"
        return web.json_response({"predictions": [{"text": text}]})

    async def run(sentences, clients, answers):
        app = web.Application()
        app.router.add_post("/v1/models/m:predict", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        port = module.free_port()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        side = module.Side("fake", f"http://127.0.0.1:{port}/v1/models/m:predict", SimpleNamespace(poll=lambda: None))
        try:
            await module.ready(side, "a")
            return await module.load(side, sentences, clients, 0.5, answers)
        finally:
            await runner.cleanup()

    return lambda *arguments: asyncio.run(run(*arguments))


def test_answers_are_counted(asked):
    answers = {}
    seen = asked(["a", "b"], 3, answers)
    assert len(seen.latencies) > 3
    assert all(latency > 0 for latency in seen.latencies)
    assert not seen.failed
    assert answers == {"a": "A", "b": "B"}


def test_errors_and_other_answers_are_failures(asked):
    assert all("500" in failure for failure in asked(["bad"], 1, {}).failed)
    assert asked(["bad"], 1, {}).latencies == []
    seen = asked(["odd"], 1, {})
    assert len(seen.failed) == len(seen.latencies) - 1 > 0
    assert asked(["a"], 1, {"a": "B"}).failed[0] == "'a': 'A', not 'B'"


def test_all_sides_have_the_highest_version(script, tmp_path):
    for name in ("1", "10", "9", "draft"):
        (tmp_path / "dates" / name).mkdir(parents=True)
    made = script("serving_load").commands(tmp_path / "dates", tmp_path / "one")
    assert [port in (int(word.split("=")[-1]) for word in command if word.split("=")[-1].isdigit())
            for command, port in made.values()] == [True] * 4  # fmt: skip
    assert made["FastAPI, tf.saved_model.load"][0][-2] == str(tmp_path / "dates" / "10")
    assert "--enable_batching" in made["batching"][0]
    assert f"--batching_parameters_file={tmp_path / 'one'}" in made["batching, one at a time"][0]
    assert "--enable_batching" not in made["no batching"][0]


def test_the_parameters_of_one_batch_at_a_time_can_be_read(script, tmp_path):
    (tmp_path / "one").write_text(script("serving_load").ONE_BATCH)
    found = Batching.read(tmp_path / "one")
    assert (found.num_batch_threads, found.max_batch_size) == (1, 64)


def test_who_does_not_answer_is_named(script, monkeypatch):
    module = script("serving_load")
    side = module.Side("gone", f"http://127.0.0.1:{module.free_port()}/", SimpleNamespace(poll=lambda: 1))
    with pytest.raises(RuntimeError, match="gone: does not answer"):
        asyncio.run(module.ready(side, "a"))
