"""One file per unit, each the mirror of its chapter in the manual."""
