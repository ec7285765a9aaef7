// Objects: classes with fields, getters and inheritance; closures; bodies that move, as in a simulation.
class Vector {
  constructor(x, y) { this.x = x; this.y = y; }
  plus(other) { return new Vector(this.x + other.x, this.y + other.y); }
  scaled(by) { return new Vector(this.x * by, this.y * by); }
  get length() { return Math.sqrt(this.x * this.x + this.y * this.y); }
}
class Body {
  #mass;
  constructor(mass, at) { this.#mass = mass; this.at = at; this.speed = new Vector(0, 1); }
  get mass() { return this.#mass; }
  pull(other) {
    const away = other.at.plus(this.at.scaled(-1));
    const distance = away.length + 0.1;
    this.speed = this.speed.plus(away.scaled(other.mass / (distance * distance * distance)));
  }
  step() { this.at = this.at.plus(this.speed.scaled(0.01)); return this; }
}
class Star extends Body {
  constructor(at) { super(50, at); this.name = 'star'; }
  step() { return super.step(); }
}
const counter = () => { let n = 0; return { next: () => ++n, get value() { return n; } }; };

export function run() {
  const bodies = [new Star(new Vector(0, 0))];
  for (let i = 1; i < 8; i++) bodies.push(new Body(i, new Vector(i * 3, i)));
  const steps = counter();
  for (let round = 0; round < 20; round++) {
    for (const one of bodies) for (const other of bodies) if (one !== other) one.pull(other);
    for (const body of bodies) { body.step(); steps.next(); }
  }
  return `${bodies[3].at.x.toFixed(9)} ${steps.value}`;
}
