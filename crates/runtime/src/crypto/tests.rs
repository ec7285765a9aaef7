use super::*;

fn answer(kind: i32, build: impl FnOnce(&mut Writer<'_>)) -> Result<Vec<u8>, Refused> {
    let mut message = Vec::new();
    let mut write = Writer::new(&mut message);
    write.int(kind);
    build(&mut write);
    run(&message, &mut || false)
}

fn bytes(kind: i32, build: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let answer = answer(kind, build).unwrap();
    Reader::new(&answer).bytes().unwrap().to_vec()
}
