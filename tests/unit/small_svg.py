"""Small figures as text."""

import base64
import io

import numpy as np
from PIL import Image


def svg(*parts: str) -> str:
    """Return a figure of some parts."""
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">\n{"".join(parts)}\n</svg>'


def image(pixels: np.ndarray) -> str:
    """Return a picture as a part of a figure, as matplotlib writes it."""
    written = io.BytesIO()
    Image.fromarray(pixels).save(written, "PNG")
    return f'<image href="data:image/png;base64,\n{base64.b64encode(written.getvalue()).decode()}"/>'
