/** The one name of this page; every file adds its part to it, and the builder puts the files one after the other. */
"use strict";
const explorer = { views: {} };
