"""Formulas as MathML, which browsers draw by themselves: no script, no network."""

import re

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml


# docutils sets the index of an accented letter below it, as if it were a sum.
ACCENT_WITH_INDEX = re.compile(
    r"<munderover>\s*(<mi>[^<]*</mi>)(.*?)"
    r'(<mo stretchy="false">.</mo>)\s*</munderover>',
    re.DOTALL,
)


def mathml(formula, **options):
    r"""Return a formula's MathML; docutils takes ``\frac12`` with braces only."""
    formula = re.sub(r"(\\[td]?frac)(\d)(\d)", r"\1{\2}{\3}", formula)
    letter = r'<msub><mover accent="true">\1\3</mover>\2</msub>'
    return ACCENT_WITH_INDEX.sub(letter, tex2mathml(formula, **options))


def inline(translator, node):
    """Write a formula inside a line."""
    translator.body.append(mathml(node.astext()))
    raise nodes.SkipNode


def block(translator, node):
    """Write a formula on lines of its own, which break between its parts."""
    parts = re.split(r"(?<=,)\s*\\q?quad\s*", node.astext())
    formulas = [mathml(part, as_block=True) for part in parts]
    translator.body.append(f'<div class="math">{"".join(formulas)}</div>')
    raise nodes.SkipNode


def setup(app):
    """Register the renderer; ``html_math_renderer`` chooses it."""
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
