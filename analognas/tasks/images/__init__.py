"""Images as inputs of networks: decoding, and the tasks made of them."""
