"""The judge: says colour, shape, motion and background of a clip of one thing; trained and tested on rendered clips."""
