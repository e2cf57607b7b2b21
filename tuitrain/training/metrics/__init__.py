"""What is measured of training itself: values of steps, evaluations, best values."""
