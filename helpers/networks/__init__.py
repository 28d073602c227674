"""Networks that train: two NumPy engines, Keras models, and how they learn."""
