"""What runs on this machine is not offered to the network."""

import warnings

import psutil

from qpm.study import engine


def listening() -> set[str]:
    """Addresses at which this process accepts connections."""
    connections = psutil.Process().net_connections(kind="tcp")
    return {entry.laddr.ip for entry in connections if entry.status == psutil.CONN_LISTEN}


def test_the_embedded_engine_listens_on_this_machine_only(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a taken port would be moved, with a warning
        with engine.start(tmp_path, jobs=1) as running:
            assert running.slots == 1
            assert listening() <= {"127.0.0.1", "::1"}
