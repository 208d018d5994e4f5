"""What lies at a path, where the system may refuse to say."""

from __future__ import annotations

from pathlib import Path


def there(path: Path) -> bool:
    """Whether something is at a path; no where its name is too long, or its folder may not be read.

    What is wrong with the path is said when it is opened or written.
    """
    try:
        return path.exists()
    except OSError:
        return False


def is_folder(path: Path) -> bool:
    """Whether a folder is at a path; no where the system does not say."""
    try:
        return path.is_dir()
    except OSError:
        return False
