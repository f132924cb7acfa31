"""What hearing and speaking cost and get right: one module a part, each with ``run()``.

``python -m benchmarks.voice`` runs all; with names (``japanese latency``) it runs those. Every
figure stands beside the library's own in the same run, as it comes: faster-whisper's `transcribe`
on the same weights with its defaults, pyopenjtalk's `tts` without a town's names.

The voices are synthetic: people, children, dialect and wind are harder.
"""
