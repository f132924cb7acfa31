"""Documents as towns have them: web pages, PDFs, Word and Excel files, open-data tables.

Files come from anywhere. What parses a complex format runs in a child process with limits
(`worker`, started by `sandbox`), and hands back blocks of text or rows of cells, nothing else.
Tables are then read like those of 自治体標準オープンデータセット (`tables`), and everything that
was repaired, skipped or doubted on the way is a `knowledge.passage.Remark`.
"""
