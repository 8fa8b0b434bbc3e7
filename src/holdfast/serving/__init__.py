"""What the workbench and the API share: open vaults, and who is signed in."""
