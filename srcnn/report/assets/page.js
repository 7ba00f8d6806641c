// Start everything on the report's page: theme.js, slider.js, zoom_pan.js and sortable_tables.js.

setUpTheme();
setUpSlider();
document.querySelectorAll("table.sorted").forEach(setUpTable);
setUpNames(showInSlider);
