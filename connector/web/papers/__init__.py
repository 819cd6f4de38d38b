"""What is printed: proof packs, monthly reviews, intervention reports, in the words of the pages."""
