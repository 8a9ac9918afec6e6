"""What-if questions answered by simulation, by their laws and from the shell."""
