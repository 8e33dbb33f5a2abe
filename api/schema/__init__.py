"""What goes over HTTP, as pydantic models: requests are refused when they do not fit, answers are checked before they leave."""
