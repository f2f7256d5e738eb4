"""What the operator sees: observers are folds over the engine's steps and never change a decision."""
