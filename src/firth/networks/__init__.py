"""Networks stage: PyTorch; one whole network per file, with what two of them share in `layers.py`."""
