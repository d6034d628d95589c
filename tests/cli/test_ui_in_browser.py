"""`qpm ui` in headless Chromium: a study's runs open, two are compared, and nothing comes from elsewhere."""

import re
import socket
import subprocess
import time
import urllib.error
import urllib.request

import pytest

from qpm.cli import ui
from tests.browser import chromium
from tests.study.test_tracking import write_study

PATIENCE = 300  # seconds, for a busy machine; MLflow's server takes ten to start


@pytest.fixture
def browser():
    with chromium() as started:
        yield started


@pytest.fixture
def served(browser, tmp_path):
    """MLflow on a study with two trials: its address, the launch's run and the runs of the trials."""
    tracker, launch, trials = write_study(tmp_path)
    with socket.socket() as probe:
        probe.bind((ui.HOST, 0))
        port = probe.getsockname()[1]
    command = ui.server_command(tmp_path / "mlflow.db", port)
    with open(tmp_path / "server.log", "w") as log:
        server = subprocess.Popen(command, env=ui.server_environment(), stdout=log, stderr=log, start_new_session=True)
        try:
            address = f"http://{ui.HOST}:{port}/"
            wait_for(address, server)
            yield f"{address}#/experiments/{tracker.experiment}/runs", launch, trials
        finally:
            ui.stop(server)


def wait_for(address: str, server: subprocess.Popen) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert server.poll() is None, "the server ended"
        try:
            urllib.request.urlopen(address + "health", timeout=10).read()
            return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.5)
    raise AssertionError(f"no answer from {address} within {PATIENCE} s")


def test_a_studys_runs_open_and_two_are_compared(browser, served):
    address, launch, trials = served
    page = browser.new_page(viewport={"width": 1600, "height": 1000})
    page.set_default_timeout(1000 * PATIENCE)
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url))
    page.goto(address)
    page.locator(f'.ag-row[row-id="{launch}"] button').first.click()  # unfold the launch
    for run in trials:
        page.locator(f'.ag-row[row-id="{run}"] .ag-selection-checkbox input').check()
    page.get_by_test_id("runs-compare-button").click()
    page.wait_for_url("**/compare-runs?**")
    for name in ("policy=stm,seed=0", "policy=qpm,seed=0", "val/J_and_F", "policy.keep.n"):
        page.get_by_text(name).first.wait_for(state="attached")
    assert {run for run in trials if run in page.url} == set(trials)
    outside = [url for url in fetched if not re.match(rf"http://{ui.HOST}:|data:|blob:", url)]
    assert outside == []
