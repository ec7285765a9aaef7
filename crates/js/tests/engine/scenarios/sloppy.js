// Sloppy code, made from text as a classic script would be: mapped arguments, `with`, hoisting, globals, eval's scopes.
import { look, attempt } from "script:look.js";

globalThis.look = look; globalThis.attempt = attempt;
const script = (0, eval)(`
var sloppyVar = 1; let sloppyLet = { n: 0 }; const sloppyConst = [1];
function hoisted() { return typeof later1 + typeof hoisted2; } var later1 = 1; { function hoisted2() {} }
var kept = (function (a, b, c) { return { args: arguments, read: function () { return [a, b, c]; }, write: function (v) { a = v; c = v + 1; } }; })(1, 2);
var scopeObject = { x: 1, y: { z: 2 } };
var withReader = (function () { with (scopeObject) { return function (v) { var was = x; x = v; return was + typeof y; }; } })();
var evalScope = (function () { var local = 1; return function (code) { return eval(code); }; })();
function Point(x) { if (!(this instanceof Point)) return new Point(x); this.x = x; } Point.prototype.move = function (d) { this.x += d; return this; };
var points = [Point(1), new Point(2)];
var self = this;
function sum() { var s = 0; for (var k = 0; k < arguments.length; k++) s += arguments[k]; arguments[0] = "changed"; return s; }
var callee = function (n) { return n <= 0 ? 0 : n + arguments.callee(n - 1); };
({
  mappedArguments: function (i) { kept.write(i); kept.args[1] = "b" + i; if (i % 9 === 0) { delete kept.args[0]; } if (i % 30 === 0) kept = (function (a, b, c) { return { args: arguments, read: function () { return [a, b, c]; }, write: function (v) { a = v; c = v + 1; } }; })(1, 2); return look(kept.args) + look(kept.read()); },
  withStatement: function (i) { if (i % 7 === 0) delete scopeObject.x; if (i % 7 === 1) scopeObject.x = i; return attempt(function () { return withReader(i); }) + look(scopeObject) + typeof x; },
  withUnscopables: function (i) { var o = { q: i }; o[Symbol.unscopables] = { q: i % 2 === 0 }; var q = "outer"; with (o) { return q + typeof o; } },
  evalDeclares: function (i) { evalScope("var v" + i % 5 + " = " + i); evalScope("local = local + 1"); return evalScope("local") + attempt(function () { return evalScope("v" + i % 5) }) + attempt(function () { return evalScope("typeof v" + (i + 1) % 5) }); },
  evalFunction: function (i) { return evalScope("(function () { return local + " + i + " })")() + evalScope("let t = 1; t + local") + attempt(function () { return evalScope("const c = 1; c = 2") }); },
  globalVars: function (i) { sloppyVar += i; sloppyLet.n++; globalThis.sloppyVar = globalThis.sloppyVar % 1000; implicit = i; var r = sloppyVar + ":" + sloppyLet.n + typeof globalThis.sloppyLet + implicit; delete globalThis.implicit; return r + typeof implicit; },
  redeclare: function (i) { (0, eval)("var sloppyVar2 = " + i + "; function redeclared() { return sloppyVar2 }"); return redeclared() + attempt(function () { (0, eval)("let sloppyLet = 1"); }) + attempt(function () { (0, eval)("var sloppyLet"); }) + sloppyConst.push(i) % 3; },
  thisValue: function (i) { return (function () { return this === self; })() + typeof (function () { return this; }).call(i) + (function () { "use strict"; return typeof this; }).call(i); },
  constructorWithoutNew: function (i) { points[i % 2].move(i); points.push(Point(i)); if (points.length > 8) points.length = 2; return points.map(function (p) { return p.x; }).join(); },
  variadic: function (i) { return sum(1, i, 3) + sum.apply(null, points.map(function (p) { return p.x; })) + callee(i % 20); },
  hoisting: function (i) { var a = typeof inner; { function inner() { return 1; } } return a + typeof inner + hoisted() + (function () { if (i % 2) { function f() { return "f"; } } return typeof f; })(); },
  silentFailures: function (i) { var o = Object.freeze({ a: 1 }); o.a = i; o.b = 1; delete o.a; undefined = 1; NaN = 2; "str".x = 1; return look(o) + typeof undefined; },
  functionCaller: function (i) { var f = Function("a", "b", "return a * b + arguments.length"); return f(i, 2) + f.toString().length + (new Function).name + look(attempt(function () { return Function("a b", ""); })); },
  octalsAndLabels: function (i) { var s = ""; a: for (var k = 0; k < 3; k++) for (var j = 0; ; j++) { if (j > k) continue a; if (k + j + i % 2 > 3) break a; s += k + "" + j; } return s + 010 + "\\101"; },
  forInDeletes: function (i) { var o = { a: 1, b: 2, c: 3, d: 4 }, s = ""; for (var k in o) { s += k; delete o.c; o["n" + i] = 1; } for (k in "ab") s += k; for (var z = 0 in {}) ; return s + z; },
  getterOnGlobal: function (i) { Object.defineProperty(globalThis, "computedGlobal", { get: function () { return i; }, set: function (v) { sloppyLet.set = v; }, configurable: true }); var r = computedGlobal; computedGlobal = r + 1; r += sloppyLet.set; delete globalThis.computedGlobal; return r; },
  typeofMissing: function (i) { return typeof neverDeclared + attempt(function () { return neverDeclared; }) + attempt(function () { return typeof tdz; let tdz; }); },
  paramScopes: function (i) { return (function (a, f) { var a; var before = a; a = 3; return [before, f(), a].join(); })(i, function () { return i; }) + (function (a, a) { return a; })(1, i); },
  accessorsOld: function (i) { var o = {}; o.__defineGetter__("g", function () { return i; }); o.__defineSetter__("g", function (v) { o.w = v; }); o.g = 5; return o.g + "" + o.w + typeof o.__lookupGetter__("g") + look(o); },
  protoLiteral: function (i) { var o = { __proto__: scopeObject, own: i }; return ("y" in o) + o.own + Object.keys(o) + ({ ["__proto__"]: i }).hasOwnProperty("__proto__"); },
  switchFallthrough: function (i) { var out = ""; switch (i % 5) { case 0: out += 0; case 1: out += 1; break; default: out += "d"; case 3: out += 3; { let out = 9; } } return out; },
  commaVoidDelete: function (i) { var o = { a: i }; return [(1, o.a), void 0, delete o.a, delete o.zz, "a" in o, !!function () {}].join(); },
  htmlComments: function (i) { return (0, eval)("1 <!-- comment\\n+ " + i) + attempt(function () { return (0, eval)("1;\\n--> end\\n2"); }); },
  manyFunctions: function (i) { for (var k = 0; k < 10; k++) globalThis["fn" + k] = Function("return " + (i + k)); var r = fn3() + fn9(); for (k = 0; k < 10; k++) delete globalThis["fn" + k]; return r; },
  largeSwitch: function (i) { return Function("x", "switch (x) {" + Array.from({ length: 40 }, function (_, k) { return "case " + k + ": return 'c" + k + "';" }).join("") + "} return 'none'")(i % 50); },
});
`);
export const scenarios = script;
