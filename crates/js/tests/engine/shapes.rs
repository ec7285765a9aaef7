//! Objects that take ready-made shapes are objects like all others: what a script changes of what they inherit from is
//! seen, they can be changed in any way, and it makes no difference how many came before them.

use crate::host::{Guest, Modules, PLATFORM, SLACK};

/// Classes and literals of the base, used before it is frozen so that their shapes are known.
const BASE: &str = r#"
globalThis.Point = class { constructor(x, y) { this.x = x; this.y = y; } };
globalThis.Box = class { #a = 1; #b = null; c = 0; get sum() { return this.#a + this.c; } fill(b) { this.#b = b; return this; } get b() { return this.#b; } };
globalThis.Crate = class extends Box { #d = "d"; get d() { return this.#d; } };
globalThis.pair = (k, v) => ({ k, v });
for (let i = 0; i < 3; i++) { new Point(i, i); new Box().fill(i); new Crate(); pair(i, i); }
"#;

/// Each function is a request; all of them are asked several times in one instance.
const SCRIPT: &str = r#"
class Mine { constructor(n) { for (let i = 0; i < n; i++) this["f" + i] = i; this.last = n; } }
class Deep extends Box { own = []; #p = {}; get p() { return this.#p; } m = () => this.own; }
const show = (o) => JSON.stringify(Object.getOwnPropertyDescriptors(o));
export const plain = () => [show(new Point(1, 2)), show(pair(1, "a")), new Box().fill(7).b, new Crate().d, new Box().sum].join();
export const fields = () => { const d = new Deep(); d.m().push(1); return [Object.keys(d), d.own, d.sum, d.b, typeof d.p].join("|"); };
export const long = () => [3, 9, 30, 60].map((n) => Object.keys(new Mine(n)).length).join();
export const changed = () => {
  const a = new Point(1, 2), b = new Point(3, 4);
  delete a.x; Object.defineProperty(b, "y", { writable: false }); a.z = 5;
  Object.freeze(a); let threw = 0; try { a.w = 1; } catch { threw++; } try { b.y = 1; } catch { threw++; }
  const c = new Point(5, 6); Object.setPrototypeOf(c, null); c.q = 1;
  const sealed = Object.preventExtensions(Object.create(Point.prototype)); try { sealed.x = 1; } catch { threw++; }
  return [show(a), show(b), show(c), show(new Point(7, 8)), threw].join();
};
export const twice = () => { class Same { constructor(o) { return o; } } class Marks extends Same { #m = 1; }
  const o = new Point(1, 2); new Marks(o); try { new Marks(o); return "no"; } catch (e) { return e.name; } };
export const setter = () => {
  let seen = [];
  Object.defineProperty(Object.prototype, "y", { set(v) { seen.push(v); }, configurable: true });
  const p = new Point(1, 2), q = {}; q.x = 1; q.y = 3; const r = { y: 4 };
  delete Object.prototype.y;
  Object.defineProperty(Point.prototype, "x", { value: 0, configurable: true });
  let threw; try { new Point(1, 2); } catch (e) { threw = e.name; }
  delete Point.prototype.x;
  return [seen, show(p), show(q), show(r), threw, show(new Point(8, 9))].join();
};
"#;

#[test]
fn ready_made_shapes_are_like_others() {
    // A script by name: the platform's own classes would not see what a script changes of built-ins.
    let modules = Modules::new(SCRIPT)
        .with("platform:main.js", 0, format!("{PLATFORM}\nimport \"script:base.js\";"))
        .with("script:base.js", 0, BASE);
    let mut plain = Guest::booted(&modules);
    let mut frozen = Guest::booted(&modules);
    frozen.freeze(SLACK);
    let mut frozen = frozen.copy();
    frozen.set_modules(&modules);
    for guest in [&mut plain, &mut frozen] {
        assert_eq!(guest.start(), 0, "{:?}", guest.take_ops());
        guest.call("sy_gc", &[]);
    }
    for round in 0..4 {
        for name in ["plain", "fields", "long", "changed", "twice", "setter"] {
            let expected = plain.ask(name, &[]);
            assert!(!expected.starts_with("threw") && expected != "no", "{name}: {expected}");
            assert_eq!(frozen.ask(name, &[]), expected, "{name} in round {round}");
        }
    }
}
