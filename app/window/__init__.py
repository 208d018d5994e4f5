"""The main window without its panels: actions, menus, strips, status bar, dialogs."""
