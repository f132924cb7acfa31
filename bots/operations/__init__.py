"""What whoever keeps a town running looks at: health, figures, logs."""
