//! A small synchronous host for the engine: it answers module questions from a table, keeps what the guest sends, and
//! can copy an instance's memory into a new one, which is what a frozen base is for.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use switchyard_js::abi::{Reader, Value, Writer, module_kind, op, sync};
use wasmtime::{Caller, Config, Engine, Extern, Global, Instance, Linker, Memory, MemoryType, Module, Store, Val};

/// Native stack for one call. The engine's own limit, in its shadow stack, must be reached first.
pub const NATIVE_STACK: usize = 5 << 20;

/// SWITCHYARD_TEST_STACK=KiB tries with another amount.
fn native_stack() -> usize {
    std::env::var("SWITCHYARD_TEST_STACK")
        .ok()
        .and_then(|s| s.parse().ok())
        .map_or(NATIVE_STACK, |kib: usize| kib << 10)
}

/// Runs `f` where there is room for so much.
pub fn on_a_large_stack<T: Send>(f: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(NATIVE_STACK + (2 << 20)).spawn_scoped(scope, f);
        thread.expect("a thread").join().unwrap_or_else(|e| std::panic::resume_unwind(e))
    })
}

pub static ENGINE: LazyLock<(Engine, Module)> = LazyLock::new(|| {
    let mut config = Config::new();
    config.max_wasm_stack(native_stack()).async_stack_size(native_stack() + (1 << 20));
    let engine = Engine::new(&config).expect("wasmtime starts");
    // SWITCHYARD_TEST_ENGINE=file.wasm: the suite on another engine, one with assertions for instance.
    let module = match std::env::var_os("SWITCHYARD_TEST_ENGINE") {
        Some(file) => Module::from_file(&engine, file),
        None => Module::new(&engine, switchyard_js::ENGINE_WASM),
    };
    (engine, module.expect("the engine compiles"))
});

/// The platform of these tests: requests are functions by name, answers are texts.
pub const PLATFORM: &str = r#"
import "platform:state.js";
import * as host from "switchyard:host";
globalThis.__host = host;
globalThis.gc = () => { host.sync(104); };
globalThis.print = (...all) => { host.op(6, 1, all.map(String).join(" ")) };
const pending = new Map();
let ops = 0;
globalThis.later = (ms) => new Promise((resolve) => { pending.set(++ops, resolve); host.op(5, ops, ms); });
let worker;
host.register(-1, (ns) => { worker = ns; });
host.register(0, (id, status, name, ...args) => {
  const answer = (v) => host.op(1, id, typeof v === "string" ? v : JSON.stringify(v) ?? "undefined");
  const r = worker[name](...args);
  if (host.isPromise(r)) r.then(answer, (e) => answer("rejected " + e)); else answer(r);
});
host.register(1, (id, status, ...values) => { const f = pending.get(id); pending.delete(id); f(...values); });
"#;

#[derive(Default, Clone)]
pub struct Modules(pub HashMap<String, (i32, Vec<u8>)>);

impl Modules {
    pub fn new(main: &str) -> Self {
        let mut all = HashMap::new();
        all.insert("main.js".to_owned(), (module_kind::ESM, main.as_bytes().to_vec()));
        all.insert("platform:main.js".to_owned(), (module_kind::ESM, PLATFORM.as_bytes().to_vec()));
        let state = include_bytes!("state.js").to_vec();
        all.insert("platform:state.js".to_owned(), (module_kind::ESM, state));
        Modules(all)
    }

    /// With the scenarios of all themes in the base, in the table `scenarios` after those of state.js. They are scripts by
    /// name: the platform would not see what they change of built-ins.
    pub fn themed(main: &str) -> Self {
        let themes = crate::frozen::THEMES.iter().fold(Modules::new(main), |all, (name, source)| {
            all.with(&format!("script:{name}"), module_kind::ESM, *source)
        });
        let platform = format!("{PLATFORM}\nimport \"script:all.js\";");
        themes.with("platform:main.js", module_kind::ESM, platform)
    }

    pub fn with(mut self, name: &str, kind: i32, source: impl Into<Vec<u8>>) -> Self {
        self.0.insert(name.to_owned(), (kind, source.into()));
        self
    }
}

/// One thing the guest told the host.
#[derive(Clone, Debug, PartialEq)]
pub struct Op {
    pub kind: i32,
    pub id: i32,
    pub message: Vec<u8>,
}

impl Op {
    pub fn texts(&self) -> Vec<String> {
        Reader::new(&self.message)
            .map(|v| match v.expect("the guest writes well") {
                Value::Text(t) => t.to_owned(),
                other => format!("{other:?}"),
            })
            .collect()
    }
}

pub struct Data {
    modules: Modules,
    answer: Vec<u8>,
    pub ops: Vec<Op>,
    /// Whose turn it was, as the engine told, with those of `over` refused.
    pub turns: Vec<i32>,
    pub over: Vec<i32>,
    memory: Option<Memory>,
    /// Whether `gc()` collects; otherwise it does nothing, so that one script can be tried both ways.
    pub collect: bool,
}

pub struct Guest {
    pub store: Store<Data>,
    pub instance: Instance,
    pub memory: Memory,
    next: i32,
}

fn guest_bytes(caller: &Caller<'_, Data>, ptr: i32, len: i32) -> Vec<u8> {
    let memory = caller.data().memory.expect("set at birth");
    memory.data(caller)[ptr as u32 as usize..][..len as u32 as usize].to_vec()
}

fn answer(data: &mut Data, kind: i32, message: &[u8]) -> i32 {
    let mut values = Reader::new(message);
    let mut out = Vec::new();
    match kind {
        sync::MODULE_RESOLVE => {
            let name = values.text().expect("a specifier").trim_start_matches(['.', '/']).to_owned();
            if !data.modules.0.contains_key(&name) {
                return sync::NO_ANSWER;
            }
            Writer::new(&mut out).text(&name);
        }
        sync::MODULE_SOURCE => match data.modules.0.get(values.text().expect("a name")) {
            Some((kind, source)) => {
                Writer::new(&mut out).int(*kind).bytes(source);
            }
            None => return sync::NO_ANSWER,
        },
        // Kinds of these tests alone: 100 sends back what came, 101 has nothing to say, 102 sends hostile bytes.
        100 => out.extend_from_slice(message),
        101 => return sync::NO_ANSWER,
        102 => out.extend_from_slice(&[3, 255, 255, 0, 0, 1]),
        103 => {}
        _ => panic!("unexpected question {kind}"),
    }
    data.answer = out;
    data.answer.len() as i32
}

/// Question 104: a collection in the middle of whatever the script is doing. Nothing comes back.
fn collect_now(caller: &mut Caller<'_, Data>) -> i32 {
    if caller.data().collect {
        let gc = caller.get_export("sy_gc").and_then(Extern::into_func);
        let result = gc.expect("sy_gc").call(&mut *caller, &[], &mut []);
        result.expect("a collection ends");
    }
    sync::NO_ANSWER
}

impl Guest {
    /// An instance with nothing run in it yet.
    pub fn bare(modules: &Modules) -> Guest {
        let (engine, module) = &*ENGINE;
        let data = Data {
            modules: modules.clone(),
            answer: Vec::new(),
            ops: Vec::new(),
            turns: Vec::new(),
            over: Vec::new(),
            memory: None,
            collect: false,
        };
        let mut store = Store::new(engine, data);
        let wanted =
            module.imports().find_map(|i| i.ty().memory().cloned()).unwrap_or_else(|| MemoryType::new(16, Some(2048)));
        let memory = Memory::new(&mut store, wanted).expect("a memory");
        store.data_mut().memory = Some(memory);
        let mut linker: Linker<Data> = Linker::new(engine);
        linker.define(&store, "env", "memory", memory).expect("env.memory");
        linker
            .func_wrap("switchyard", "op", |mut c: Caller<'_, Data>, kind: i32, id: i32, ptr: i32, len: i32| -> i32 {
                let message = guest_bytes(&c, ptr, len);
                c.data_mut().ops.push(Op { kind, id, message });
                0
            })
            .expect("op");
        linker
            .func_wrap("switchyard", "turn", |mut c: Caller<'_, Data>, request: i32| -> i32 {
                c.data_mut().turns.push(request);
                i32::from(c.data().over.contains(&request))
            })
            .expect("turn");
        linker
            .func_wrap("switchyard", "sync", |mut c: Caller<'_, Data>, kind: i32, ptr: i32, len: i32| -> i32 {
                let message = guest_bytes(&c, ptr, len);
                if kind == 104 {
                    return collect_now(&mut c);
                }
                answer(c.data_mut(), kind, &message)
            })
            .expect("sync");
        linker
            .func_wrap("switchyard", "take", |mut c: Caller<'_, Data>, ptr: i32| {
                let answer = std::mem::take(&mut c.data_mut().answer);
                let memory = c.data().memory.expect("set at birth");
                memory.write(&mut c, ptr as u32 as usize, &answer).expect("room for the answer");
            })
            .expect("take");
        linker.func_wrap("switchyard", "now", || 1_700_000_000_000.0_f64).expect("now");
        linker.define_unknown_imports_as_default_values(&mut store, module).expect("the rest");
        let instance = linker.instantiate(&mut store, module).expect("an instance");
        Guest { store, instance, memory, next: 1 }
    }

    /// An instance with runtime and test platform.
    pub fn booted(modules: &Modules) -> Guest {
        let mut guest = Guest::bare(modules);
        guest.call("_initialize", &[]);
        assert_eq!(guest.call_int("sy_init", &[]), 0);
        guest.call("sy_seed", &[Val::I64(1)]);
        let name = guest.put("platform:main.js".as_bytes());
        assert_eq!(
            guest.call_int("sy_boot", &name),
            0,
            "{:?}",
            guest.take_ops().iter().map(Op::texts).collect::<Vec<_>>()
        );
        guest
    }

    pub fn freeze(&mut self, slack: i32) {
        self.call("sy_gc", &[]);
        self.call("sy_freeze", &[Val::I32(slack)]);
    }

    /// An instance that begins with this one's memory, as restoring from an image does.
    pub fn copy(&mut self) -> Guest {
        let mut other = Guest::bare(&self.store.data().modules.clone());
        let size = self.memory.size(&self.store);
        let has = other.memory.size(&other.store);
        other.memory.grow(&mut other.store, size.saturating_sub(has)).expect("as large");
        let image = self.memory.data(&self.store).to_vec();
        other.memory.data_mut(&mut other.store).copy_from_slice(&image);
        other
    }

    pub fn set_modules(&mut self, modules: &Modules) {
        self.store.data_mut().modules = modules.clone();
    }

    pub fn try_call(&mut self, name: &str, args: &[Val]) -> wasmtime::Result<Option<Val>> {
        let func = self.instance.get_func(&mut self.store, name).expect(name);
        let mut results = vec![Val::I32(0); func.ty(&self.store).results().len()];
        func.call(&mut self.store, args, &mut results)?;
        Ok(results.pop())
    }

    pub fn call(&mut self, name: &str, args: &[Val]) -> Option<Val> {
        self.try_call(name, args).unwrap_or_else(|e| panic!("{name}: {e:?}"))
    }

    pub fn call_int(&mut self, name: &str, args: &[Val]) -> i32 {
        self.call(name, args).and_then(|v| v.i32()).expect("an i32")
    }

    /// Puts a message into the inbox, or a block of its own when it is larger (never given back: tests are short).
    pub fn put(&mut self, message: &[u8]) -> [Val; 2] {
        let len = message.len() as i32;
        let at = if message.len() <= switchyard_js::abi::INBOX_BYTES {
            self.call_int("sy_inbox", &[])
        } else {
            self.call_int("sy_alloc", &[Val::I32(len)])
        };
        self.memory.write(&mut self.store, at as u32 as usize, message).expect("room");
        [Val::I32(at), Val::I32(len)]
    }

    pub fn start(&mut self) -> i32 {
        self.try_start("main.js").unwrap_or_else(|e| panic!("{e:?}"))
    }

    pub fn try_start(&mut self, name: &str) -> wasmtime::Result<i32> {
        let name = self.put(name.as_bytes());
        let result = self.try_call("sy_start", &name)?;
        Ok(result.and_then(|v| v.i32()).expect("an i32"))
    }

    pub fn event(&mut self, kind: i32, id: i32, status: i32, message: &[u8]) -> i32 {
        let [ptr, len] = self.put(message);
        let r = self.call_int("sy_event", &[Val::I32(kind), Val::I32(id), Val::I32(status), ptr, len]);
        if message.len() > switchyard_js::abi::INBOX_BYTES {
            self.call("sy_free", &[ptr]);
        }
        r
    }

    /// Calls an exported function of the script and lets its timers fire at once; its answer, or what it threw.
    pub fn ask(&mut self, name: &str, args: &[Value<'_>]) -> String {
        let mut message = Vec::new();
        let mut writer = Writer::new(&mut message);
        writer.text(name);
        args.iter().for_each(|a| {
            writer.value(*a);
        });
        let id = self.next;
        self.next += 1;
        self.event(0, id, 0, &message);
        let mut answer = None;
        for _ in 0..1000 {
            let ops = self.take_ops();
            if ops.is_empty() {
                break;
            }
            for o in ops {
                match o.kind {
                    op::RESPOND if o.id == id => answer = Some(o.texts().concat()),
                    op::THROW if o.id == id => answer = Some(format!("threw {}", o.texts()[..2].join(": "))),
                    op::TIMER => {
                        self.event(1, o.id, 0, &[]);
                    }
                    _ => {}
                }
            }
        }
        answer.unwrap_or_else(|| "no answer".into())
    }

    pub fn take_ops(&mut self) -> Vec<Op> {
        std::mem::take(&mut self.store.data_mut().ops)
    }

    pub fn stack_pointer(&mut self) -> i32 {
        let global: Option<Global> =
            self.instance.get_export(&mut self.store, "__stack_pointer").and_then(Extern::into_global);
        global.and_then(|g| g.get(&mut self.store).i32()).expect("__stack_pointer")
    }

    pub fn heap_top(&mut self) -> i32 {
        self.call_int("sy_heap_top", &[])
    }
}

/// A frozen base of the test platform, made once; the other has all scenarios in it.
static BASE: LazyLock<Mutex<Guest>> = LazyLock::new(|| frozen_base(&Modules::new("")));
static THEMED: LazyLock<Mutex<Guest>> = LazyLock::new(|| frozen_base(&Modules::themed("")));

pub const SLACK: i32 = 600 << 10;

pub fn frozen_base(modules: &Modules) -> Mutex<Guest> {
    let mut guest = Guest::booted(modules);
    guest.freeze(SLACK);
    Mutex::new(guest)
}

/// A script started on the frozen base.
pub fn on_base(modules: &Modules) -> Guest {
    let themed = modules.0.contains_key("script:all.js");
    let base = if themed { &THEMED } else { &BASE };
    let mut guest = base.lock().unwrap_or_else(|e| e.into_inner()).copy();
    guest.set_modules(modules);
    guest
}

/// The script in the three ways an instance can come about: never frozen, on a frozen base, and frozen with its base.
pub fn three_ways(modules: &Modules) -> [(&'static str, Guest); 3] {
    let mut plain = Guest::booted(modules);
    assert_eq!(plain.start(), 0, "{:?}", plain.take_ops().iter().map(Op::texts).collect::<Vec<_>>());
    let mut base = on_base(modules);
    assert_eq!(base.start(), 0);
    let mut twice = on_base(modules);
    assert_eq!(twice.start(), 0);
    twice.freeze(SLACK);
    [("never frozen", plain), ("on a frozen base", base), ("frozen with its base", twice)]
}
