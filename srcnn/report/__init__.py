"""The whole run as one HTML page, and the style and scripts that pages share (`assets/`).

Figures on paper belong in `figures`.
"""

from pathlib import Path

ASSETS = Path(__file__).parent / "assets"
"""Style and scripts of the page, which `srcnn serve` uses as well."""
