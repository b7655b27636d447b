"""Makes model folders: data, base models, fine-tuning, calibration, export, measurement."""
