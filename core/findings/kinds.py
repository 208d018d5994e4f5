"""Every kind of finding that Quietfield makes itself, with its words."""

from __future__ import annotations
