"""FramePack (Zhang & Agrawala 2025): HunyuanVideo that makes a long clip section by section, from a picture."""
