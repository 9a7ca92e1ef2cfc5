"""What all web pages share: their head, colours and type, and the engine that fills in their templates."""
