// Every theme's scenarios in one table, `theme.scenario`.
import "platform:program.js";
import * as arrays from "platform:arrays.js";
import * as objects from "platform:objects.js";
import * as classes from "platform:classes.js";
import * as functions from "platform:functions.js";
import * as collections from "platform:collections.js";
import * as reflection from "platform:reflection.js";
import * as binary from "platform:binary.js";
import * as text from "platform:text.js";
import * as regexps from "platform:regexps.js";
import * as numbers from "platform:numbers.js";
import * as data from "platform:data.js";
import * as async from "platform:async.js";
import * as sloppy from "platform:sloppy.js";
import * as modules from "platform:modules.js";

const themes = { arrays, objects, classes, functions, collections, reflection, binary, text, regexps, numbers, data, async, sloppy, modules };
for (const [theme, { scenarios: own }] of Object.entries(themes)) for (const [name, f] of Object.entries(own)) scenarios[`${theme}.${name}`] = f;
