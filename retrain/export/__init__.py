"""What leaves the house: adapters and models, each with a card that says what it is made of."""
