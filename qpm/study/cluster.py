"""Workers on other machines: a Dask scheduler that somebody started, or one that Slurm gets its workers for.

A worker runs as many trials at once as it has threads. One worker for each GPU, started with `CUDA_VISIBLE_DEVICES`,
gives every trial a GPU of its own.
"""

from __future__ import annotations

import ipaddress
import logging
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from distributed import Client

log = logging.getLogger(__name__)

LOST = 3  # workers that may die under a trial before Dask gives it up
SLURM = "slurm"
PATIENCE = "30min"  # that the first worker may wait in Slurm's queue


@contextmanager
def connect(address: str, jobs: int, folder: Path) -> Iterator[Client]:
    """A client of a cluster for a with block.

    Parameters
    ----------
    address : str
        ``tcp://HOST:PORT`` or ``tls://HOST:PORT`` of a running ``dask scheduler`` that has workers; or ``slurm``:
        workers are then started through Slurm, as ``jobqueue.slurm`` of Dask's configuration describes one, with
        connections encrypted.
    jobs : int
        For ``slurm``: how many jobs to ask for.
    folder : Path
        For ``slurm``: a folder that its nodes see, for the certificates.

    Raises
    ------
    ValueError
        If the scheduler has no workers, or dask-jobqueue is not installed.
    OSError
        If nothing answers at the address.
    """
    if address == SLURM:
        with _slurm(jobs, folder) as client:
            yield client
        return
    host = urlsplit(address).hostname or ""
    if address.startswith("tcp://") and not _is_loopback(host):
        log.warning("%s is not encrypted: whoever reaches that port can run code as you; tls:// is the remedy", address)
    with Client(address) as client:
        if not client.nthreads():
            raise ValueError(f"the scheduler at {address} has no workers; start some: dask worker {address}")
        yield client


def all_see(client: Client, folder: Path) -> bool:
    """Whether every worker sees the study's folder under the same path."""
    probe = folder / "trials" / f".{uuid.uuid4().hex}"
    probe.parent.mkdir(parents=True, exist_ok=True)
    probe.touch()
    try:
        return all(client.run(_is_file, str(probe.resolve()), on_error="ignore").values())
    finally:
        probe.unlink()


@contextmanager
def _slurm(jobs: int, folder: Path) -> Iterator[Client]:
    try:
        from dask_jobqueue import SLURMCluster
    except ImportError:
        raise ValueError("--cluster slurm needs dask-jobqueue: pip install 'qpm[slurm]'") from None
    place = folder.resolve() / "trials"
    place.mkdir(parents=True, exist_ok=True)
    with SLURMCluster(n_workers=jobs, security=True, protocol="tls", shared_temp_directory=str(place)) as cluster:
        with Client(cluster) as client:
            client.wait_for_workers(1, timeout=PATIENCE)
            yield client


def _is_file(path: str) -> bool:
    return Path(path).is_file()


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
