//! Streams and listeners, as tasks use them.

mod common;

use common::{A, B, Pipe, stack};
use core::net::SocketAddrV4;
use futures::{executor::LocalPool, task::LocalSpawnExt};
use parallax_network::Time;
use parallax_stack::SharedStack;
use std::{
    cell::RefCell,
    io,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const PORT: u16 = 80;

fn pipe() -> Pipe<SharedStack> {
    Pipe::new(SharedStack::new(stack(A, 1)), SharedStack::new(stack(B, 1)), 1)
}

/// Runs the tasks and the pipe until `done` holds something.
fn run<T>(pool: &mut LocalPool, pipe: &mut Pipe<SharedStack>, done: &Rc<RefCell<Option<T>>>) -> T {
    loop {
        pool.run_until_stalled();
        if let Some(done) = done.take() {
            return done;
        }
        assert!(pipe.step(), "nothing more happens");
        assert!(pipe.now < Time::from_millis(600_000), "nothing in ten minutes");
    }
}

fn spawn<T: 'static>(
    pool: &LocalPool,
    task: impl Future<Output = T> + 'static,
) -> Rc<RefCell<Option<T>>> {
    let done = Rc::new(RefCell::new(None));
    let result = done.clone();
    pool.spawner()
        .spawn_local(async move {
            let outcome = task.await;
            *result.borrow_mut() = Some(outcome);
        })
        .expect("the pool runs");
    done
}

#[test]
fn streams_carry_both_ways_and_end() {
    let (mut pipe, mut pool) = (pipe(), LocalPool::new());
    pipe.loss = 5;
    let data: Vec<u8> = (0..300_000u32).map(|n| (n / 3) as u8).collect();
    let mut listener = pipe.b.listen(PORT).expect("port 80 is free");
    let echo = spawn(&pool, async move {
        let (stream, from) = listener.accept().await?;
        assert_eq!(*stream.peer_addr().ip(), A);
        assert_eq!(from, stream.peer_addr().into());
        let (mut read, mut write) = tokio::io::split(stream);
        let bytes = tokio::io::copy(&mut read, &mut write).await?;
        write.shutdown().await?;
        Ok::<_, io::Error>(bytes)
    });
    let (a, sent) = (pipe.a.clone(), data.clone());
    let came = spawn(&pool, async move {
        let stream = a.connect(SocketAddrV4::new(B, PORT)).await?;
        let (mut read, mut write) = tokio::io::split(stream);
        let writing = async {
            write.write_all(&sent).await?;
            write.shutdown().await
        };
        let mut came = Vec::new();
        let (wrote, read) = futures::future::join(writing, read.read_to_end(&mut came)).await;
        wrote?;
        read?;
        Ok::<_, io::Error>(came)
    });
    let came = run(&mut pool, &mut pipe, &came).expect("the stream lives");
    assert!(came == data);
    assert_eq!(run(&mut pool, &mut pipe, &echo).expect("the stream lives"), 300_000);
}

#[test]
fn a_refused_connection_says_so() {
    let (mut pipe, mut pool) = (pipe(), LocalPool::new());
    let a = pipe.a.clone();
    let refused = spawn(&pool, async move { a.connect(SocketAddrV4::new(B, PORT)).await });
    let error = run(&mut pool, &mut pipe, &refused).expect_err("nobody listens");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    let listener = pipe.b.listen(PORT).expect("port 80 is free");
    assert_eq!(listener.local_addr(), SocketAddrV4::new(B, PORT));
    let taken = pipe.b.listen(PORT).expect_err("it is taken");
    assert_eq!(taken.kind(), io::ErrorKind::AddrInUse);
    drop(listener);
    assert!(pipe.b.listen(PORT).is_ok());
}

#[test]
fn who_waits_is_woken_by_a_reset_and_by_a_restart() {
    let (mut pipe, mut pool) = (pipe(), LocalPool::new());
    let mut listener = pipe.b.listen(PORT).expect("port 80 is free");
    let accepted = spawn(&pool, async move { (listener.accept().await, listener) });
    let a = pipe.a.clone();
    let reading = spawn(&pool, async move {
        let mut stream = a.connect(SocketAddrV4::new(B, PORT)).await?;
        stream.read_u8().await
    });
    let (stream, mut listener) = run(&mut pool, &mut pipe, &accepted);
    let (mut stream, _) = stream.expect("it came");
    stream.abort();
    let error = run(&mut pool, &mut pipe, &reading).expect_err("it was reset");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);

    let accepting = spawn(&pool, async move { listener.accept().await.map(drop) });
    let writing = spawn(&pool, async move { stream.write_all(b"x").await });
    pool.run_until_stalled();
    pipe.b.restart();
    pool.run_until_stalled();
    let error = accepting.take().expect("it was woken").expect_err("the host was restarted");
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    let error = writing.take().expect("it was woken").expect_err("the host was restarted");
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
}

#[test]
fn the_shell_is_told_when_there_is_something_to_poll() {
    let (mut pipe, mut pool) = (pipe(), LocalPool::new());
    let told = Arc::new(AtomicUsize::new(0));
    let counter = told.clone();
    pipe.a.on_dirty(move || {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    assert!(!pipe.a.take_dirty());
    let a = pipe.a.clone();
    let connecting = spawn(&pool, async move { a.connect(SocketAddrV4::new(B, PORT)).await });
    pool.run_until_stalled();
    assert!(pipe.a.take_dirty());
    assert!(!pipe.a.take_dirty());
    assert_eq!(told.load(Ordering::Relaxed), 1);
    assert!(pipe.a.poll(Time::ZERO).is_some());
    // A connection that is given up is reported too, and leaves nothing behind.
    drop(pool);
    assert!(pipe.a.take_dirty());
    assert!(connecting.borrow().is_none());
    while pipe.step() {
        assert!(pipe.now < Time::from_millis(1_000), "it goes on");
    }
}
