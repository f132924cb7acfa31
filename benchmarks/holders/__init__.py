"""What it costs to know who holds a card: one module a part, each with ``run()``.

``python -m benchmarks.holders`` runs all; with names (``proofs reconcile``) it runs those.
"""
