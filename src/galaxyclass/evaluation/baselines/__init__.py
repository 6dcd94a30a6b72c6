"""What a network has to beat: mean vector, regressions on colours, central-pixel benchmark."""
