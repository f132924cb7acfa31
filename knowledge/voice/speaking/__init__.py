"""Speaking: an answer to sound, with the town's names as the town says them."""
