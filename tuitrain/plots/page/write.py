"""The page around what is on it: one file, that asks nothing of any network.

Its policy allows its own script by that script's digest, and images that are in the file.
"""

import base64
import hashlib
from html import escape
from importlib.resources import files

from tuitrain.plots.page.charts import ChartData, panels_markup
from tuitrain.plots.panels import Figure
from tuitrain.view.format import sanitise


def page(title: str, body: str, charts: ChartData) -> str:
    """Return a whole page.

    Args:
        title: as it comes; it is escaped here.
        body: markup.
        charts: what the markup has places for.
    """
    script = _part("chart.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    policy = (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{escape(title)}</title>\n<style>\n{_part('style.css')}</style></head>\n"
        f"<body><main>\n{body}\n</main>\n"
        "<noscript><p>The charts of this page are drawn by its own script, which is switched off."
        "</p></noscript>\n"
        f'<script type="application/json" id="chart-data">{charts.to_json()}</script>\n'
        f"<script>{script}</script>\n</body></html>\n"
    )


def figure_page(figure: Figure) -> str:
    """Return a figure as a page of its own."""
    charts = ChartData()
    charts.share_legend(figure.legend)
    legend = '<div class="legend" id="legend"></div>' if figure.legend else ""
    notes = "".join(f'<p class="note">{escape(sanitise(note))}</p>' for note in figure.notes)
    title = sanitise(figure.title)
    body = f"<h1>{escape(title)}</h1>{legend}{panels_markup(figure.panels, charts)}{notes}"
    return page(title, body, charts)


def _part(name: str) -> str:
    """Return a file of this folder."""
    return files("tuitrain.plots.page").joinpath(name).read_text(encoding="utf-8")
