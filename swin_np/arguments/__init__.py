"""What comes in: every public function, configuration and batch of images is checked at its door."""
