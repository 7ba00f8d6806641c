"""The whole run as one HTML page, and the styles and scripts in `assets/`, which `serve` shares.

Figures for print belong in `figures`.
"""

from pathlib import Path

ASSETS = Path(__file__).parent / "assets"
