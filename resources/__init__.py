"""Files that ship with Quietfield: icons, sample data, help pages and licences."""

from pathlib import Path

FOLDER = Path(__file__).parent
"""Folder of the shipped files, in a checkout, an installation and the packaged program alike."""
