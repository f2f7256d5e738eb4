"""How the machine is: what a program can know of disk, memory, processor and its own limits."""

from __future__ import annotations

import platform
import resource
import sys
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import psutil

CPU_SECONDS = 0.3
RESOURCES = {
    "open_files": resource.RLIMIT_NOFILE,
    "processes": resource.RLIMIT_NPROC,
    "file_size_bytes": resource.RLIMIT_FSIZE,
    "core_file_bytes": resource.RLIMIT_CORE,
    "address_space_bytes": resource.RLIMIT_AS,
}


class Machine(NamedTuple):
    """In use, 0 to 100; None if the system does not say."""

    disk_used_pct: float | None
    memory_used_pct: float | None
    cpu_used_pct: float | None


def look_at_machine(directory: Path) -> Machine:
    """Of the disk that holds ``directory``; the processor is watched for a moment."""
    return Machine(disk_used_pct(directory), psutil.virtual_memory().percent, psutil.cpu_percent(CPU_SECONDS))


def disk_used_pct(directory: Path) -> float | None:
    try:
        return psutil.disk_usage(str(directory)).percent
    except OSError:
        return None


def versions() -> dict[str, str]:
    """Of the interpreter, the system and every installed package."""
    packages = {found.metadata["Name"]: found.version for found in metadata.distributions()}
    return {
        "python": sys.version,
        "system": platform.platform(),
        **dict(sorted(packages.items(), key=lambda item: item[0].lower())),
    }


def limits() -> dict[str, object]:
    """Soft and hard limits of a process here, null for none, and what the machine has."""
    pairs = {
        name: [_known(value) for value in resource.getrlimit(number)] for name, number in RESOURCES.items()
    }
    memory = psutil.virtual_memory()
    return {
        **pairs,
        "cores": psutil.cpu_count(),
        "memory_bytes": memory.total,
        "memory_available_bytes": memory.available,
        "booted_at": psutil.boot_time(),
    }


def _known(value: int) -> int | None:
    return None if value == resource.RLIM_INFINITY else value
