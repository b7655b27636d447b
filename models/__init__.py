"""What a stance model is and how it answers; needs neither torch nor a network."""
