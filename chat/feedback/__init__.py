"""What the people who chat say of the answers: thumbs, reactions, suggestions; and what came of it."""
