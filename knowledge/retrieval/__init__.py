"""From a question to ranked passages: words, readings and meaning, fused.

``analysis`` cuts text into terms; ``bm25``, ``dense`` and ``vectors`` score; ``index`` keeps all of
it in files (``arrayfile``, ``ragged``) that are mapped, checked and replaced whole; ``retrieve``
fuses.
"""
