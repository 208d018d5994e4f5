"""Parts of the main window that are no panel: actions, menus, strips, status bar, dialogs."""
