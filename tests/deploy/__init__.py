"""The files by which Vigil is deployed: checked as text, and run as far as the programs are on this machine."""
