// Every theme's scenarios in one table, `theme.scenario`.
import "script:program.js";
import * as arrays from "script:arrays.js";
import * as objects from "script:objects.js";
import * as classes from "script:classes.js";
import * as functions from "script:functions.js";
import * as collections from "script:collections.js";
import * as reflection from "script:reflection.js";
import * as binary from "script:binary.js";
import * as text from "script:text.js";
import * as regexps from "script:regexps.js";
import * as numbers from "script:numbers.js";
import * as data from "script:data.js";
import * as async from "script:async.js";
import * as sloppy from "script:sloppy.js";
import * as modules from "script:modules.js";

const themes = { arrays, objects, classes, functions, collections, reflection, binary, text, regexps, numbers, data, async, sloppy, modules };
for (const [theme, { scenarios: own }] of Object.entries(themes)) for (const [name, f] of Object.entries(own)) scenarios[`${theme}.${name}`] = f;
