"""What the faces may ask and say."""
